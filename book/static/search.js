/* The search page: finds the places of `window.searchIndex` (bookkit/search_index.py) that a query is about. */
(() => {
  "use strict";

  const { pages, places, words, common } = window.searchIndex;
  const unsaid = new Set(window.searchIndex.unsaid.split(" "));
  const MOST_RESULTS = 20;

  /** A word without its ending: gradients and gradient have one root, as have classes and class. */
  const rootOf = (word) => (word.length > 4 ? word.replace(/(ing|ed|es|(?<!s)s)$/, "") : word);

  /** The words of a text, each once; numbers say nothing about a place. */
  function wordsOf(text) {
    const found = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
    return [...new Set(found)].filter((word) => !/^\p{N}+$/u.test(word));
  }

  /** The words of a query, as bookkit/search_index.py splits a text: without "the" and "with". */
  const split = (query) => wordsOf(query).filter((word) => !unsaid.has(word));

  /** A name that the book does not hold is looked up in its parts. */
  function known(word) {
    return Object.hasOwn(words, word) ? [word] : split(word.replaceAll("_", " "));
  }

  /** The words of the index that answer a word of the query, each with how well it does. */
  function answers(word) {
    const root = rootOf(word);
    const all = Object.keys(words);
    const found = new Map(all.filter((other) => rootOf(other) === root).map((other) => [other, 0.8]));
    if (Object.hasOwn(words, word)) found.set(word, 1);
    if (found.size === 0 && word.length > 2) {
      for (const other of all) if (other.startsWith(word)) found.set(other, 0.5);
    }
    return found;
  }

  /** For a word of the query: how rare it is, and its weight in each place. */
  function lookUp(word) {
    const inPlaces = new Map();
    for (const [other, quality] of answers(word)) {
      let place = 0;
      for (const entry of words[other]) {
        place += Math.floor(entry / 10); // the index holds steps from place to place
        inPlaces.set(place, Math.max(inPlaces.get(place) ?? 0, quality * (entry % 10)));
      }
    }
    // Of a common word the index holds some places only; how many there are in truth it holds in `common`.
    const truly = Math.max(inPlaces.size, ...[...answers(word).keys()].map((other) => common[other] ?? 0));
    const rarity = Math.log(1 + places.length / (1 + truly));
    // Where the index names fewer than half of a word's places, a place that it does not name may still hold the word.
    return { rarity, inPlaces, tells: truly <= 2 * inPlaces.size };
  }

  /** The part of a heading that the query says, from 0 to 1. */
  function namedBy(query, title) {
    const asked = query.map(rootOf);
    const heading = wordsOf(title).map(rootOf);
    return heading.filter((word) => asked.includes(word)).length / (heading.length || 1);
  }

  /** The numbers of the best places. A place must answer most of the query: a pasted message has words of its own. */
  function search(query) {
    const asked = split(query);
    const found = asked.flatMap(known).map(lookUp).filter(({ inPlaces }) => inPlaces.size > 0);
    const telling = found.some(({ tells }) => tells) ? found.filter(({ tells }) => tells) : found;
    const whole = telling.reduce((sum, { rarity }) => sum + rarity, 0);
    const score = new Map();
    const covered = new Map();
    for (const word of found) {
      const tells = telling.includes(word);
      for (const [place, weight] of word.inPlaces) {
        score.set(place, (score.get(place) ?? 0) + (tells ? 1 : 0.5) * word.rarity * weight);
        if (tells) covered.set(place, (covered.get(place) ?? 0) + word.rarity / whole);
      }
    }
    return [...score.keys()]
      .filter((place) => covered.get(place) > 0.4)
      .map((place) => ({ place, rank: score.get(place) * covered.get(place) ** 2 * (1 + namedBy(asked, places[place][2])) }))
      .sort((a, b) => b.rank - a.rank)
      .slice(0, MOST_RESULTS)
      .map(({ place }) => place);
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  /** One result: the section, the chapter that it is in, and how it begins. */
  function result(place, query) {
    const [page, anchor, title, lead] = places[place];
    const [address, chapter] = pages[page];
    const link = element("a", "", anchor ? title : chapter);
    const highlight = new URLSearchParams({ highlight: split(query).join(" ") });
    link.href = `${address}?${highlight}${anchor && `#${anchor}`}`;
    const item = document.createElement("li");
    item.append(link);
    if (anchor) item.append(element("span", "search-chapter", chapter));
    if (lead) item.append(element("p", "search-lead", lead));
    return item;
  }

  /** What the line above the results says. */
  function summary(count, query) {
    if (split(query).length === 0) {
      return `The search leaves out numbers and the most common words, and “${query}” holds nothing else. Add another word.`;
    }
    if (count === 0) return `Nothing found for “${query}”. Try fewer words, or one word of the message.`;
    return `${count === MOST_RESULTS ? "The best " : ""}${count} ${count === 1 ? "place" : "places"} for “${query}”`;
  }

  function show(query) {
    const found = search(query);
    document.getElementById("search-results").replaceChildren(...found.map((place) => result(place, query)));
    document.getElementById("search-status").textContent = summary(found.length, query);
  }

  const query = new URLSearchParams(window.location.search).get("q")?.trim();
  const field = document.querySelector("article form.bd-search input");
  if (query) {
    document.querySelectorAll("form.bd-search input").forEach((input) => (input.value = query));
    show(query);
  }
  field.focus();
})();
