/** The first few names of a list, and how many more there are: messages are for people to read. */
export function named(names: readonly string[], most: number): string {
  const first = names.slice(0, most).join(', ');
  return names.length > most ? `${first} and ${names.length - most} more` : first;
}
