// Finds and marks what somebody looked for. Words are compared as the search compares them: without capitals and
// accents. The same for what the server renders is in pages/marks.py, which also takes the query apart into terms:
// [words that follow one another, of the last only the beginning, it must not be there].

const WORD = /(?:[\p{L}\p{N}]|[\u0300-\u036f])+/gu;

const folded = (word) => word.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

const wordsOf = (text) => [...text.matchAll(WORD)].map((found) => ({ ...found, start: found.index, word: folded(found[0]) }));

function isAt(place, words, [wanted, isPrefix]) {
  return wanted.every((word, offset) => {
    const here = words[place + offset]?.word;
    return isPrefix && offset === wanted.length - 1 ? here?.startsWith(word) : here === word;
  });
}

// Whether a text has all terms, and none of those that must not be there.
export function matches(text, terms) {
  const words = terms.length ? wordsOf(text) : [];
  return terms.every((term) => words.some((_, place) => isAt(place, words, term)) !== term[2]);
}

// The text as nodes, with what was sought marked.
export function marked(text, terms) {
  const wanted = terms.filter(([, , isExcluded]) => !isExcluded);
  const words = wanted.length ? wordsOf(text) : [];
  const nodes = [];
  let end = 0;
  words.forEach(({ start }, place) => {
    const lengths = wanted.filter((term) => isAt(place, words, term)).map(([term]) => term.length);
    if (lengths.length === 0 || start < end) return;
    const last = words[place + Math.max(...lengths) - 1];
    const mark = document.createElement("mark");
    nodes.push(text.slice(end, start), mark);
    end = last.start + last[0].length;
    mark.textContent = text.slice(start, end);
  });
  nodes.push(text.slice(end));
  return nodes;
}
