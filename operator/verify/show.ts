const SHOWN_LENGTH = 120;

/** What a stranger has written, as it may stand in a message: short, and without what terminals obey. */
export function show(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return plain.length > SHOWN_LENGTH ? `${plain.slice(0, SHOWN_LENGTH)}…` : plain;
}
