/* Leads from a page that has moved to the same section of its new address (bookkit/moved_pages.py). */
"use strict";

window.location.replace(document.querySelector("link[rel=canonical]").href + window.location.hash);
