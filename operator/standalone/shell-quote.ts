/** A path as a word of a shell command that people copy: with spaces, quotes or a leading hyphen it is still one file. */
export function shellQuote(path: string): string {
  const word = path.startsWith('-') ? `./${path}` : path;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
