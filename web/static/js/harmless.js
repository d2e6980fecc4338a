// Other people's text with everything invisible made visible, as [U+202E]. The same rule for what the server
// renders is in pages/filters.py. The joiners U+200C and U+200D stay: emoji and several scripts need them.

const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const MOST = 600;

const named = (char) => `[U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;

export function harmless(text) {
  return String(text).replace(UNSAFE, named);
}

export function shortened(text) {
  return text.length <= MOST ? text : `${text.slice(0, MOST).trimEnd()} …`;
}
