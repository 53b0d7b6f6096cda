/** xtext (RFC 3461 section 4): how DSN parameters carry any character. */

/** Of printable ASCII. */
export function toXtext(text: string): string {
  return text.replace(/[+=\x20]/g, (character) => `+${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Reports show it decoded. */
export function fromXtext(text: string | undefined): string | undefined {
  return text?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
