/**
 * Makes text that anybody may have chosen fit for a terminal: nothing in it controls the terminal or reverses a line's
 * direction.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** The same as JSON, which means what it did. Undefined: there is nothing to say. */
export function printableJson(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  // what JSON escapes by itself is C0, and a line break that is left is one between its fields
  return JSON.stringify(value, undefined, 2).replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => unitOf(character, i)).join(''),
  );
}

function unitOf(text: string, index: number): string {
  return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`;
}
