/** The relays of one class, by their names: NAME-0, NAME-1, and so on, each with a volume that bears its number. */

/** Whether a relay goes for good: one whose number is still wanted comes back to its volume, and to its mail. */
export function isGoingForGood(name: string, relays: number): boolean {
  const number = /-(\d{1,9})$/.exec(name)?.[1];
  return number !== undefined && Number(number) >= relays;
}
