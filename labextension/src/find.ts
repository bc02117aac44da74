/** Places that are marked; in a log with more of them the words are too common to be looked for. */
const MOST_MARKS = 500;

/** Cut a text at the places where words stand, whatever their case: every second piece is such a place. */
export function split(text: string, wanted: string): string[] {
  if (!wanted) {
    return [text];
  }
  const pieces: string[] = [];
  // the case is folded letter by letter, so that places in both texts are the same
  const fold = (value: string) => value.replace(/[A-Z]/g, letter => letter.toLowerCase());
  const folded = fold(text);
  const part = fold(wanted);
  let from = 0;
  for (let index = 0; index < MOST_MARKS; index++) {
    const place = folded.indexOf(part, from);
    if (place < 0) {
      break;
    }
    pieces.push(text.slice(from, place), text.slice(place, place + part.length));
    from = place + part.length;
  }
  return [...pieces, text.slice(from)];
}
