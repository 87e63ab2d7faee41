"use strict";
// Starts the deck. Every slide has been laid out for 1920 × 1080 pixels; reveal.js scales it to the screen.
Reveal.initialize({
  width: 1920,
  height: 1080,
  margin: 0,
  center: false,
  hash: true,
  navigationMode: "linear",
  transition: "none",
  backgroundTransition: "none",
  slideNumber: "c/t",
  controls: false,
  pdfSeparateFragments: false,
  pdfMaxPagesPerSlide: 1,
  plugins: [RevealNotes],
});
