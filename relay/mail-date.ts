/** A date-time of RFC 5322 section 3.3, in UTC; `GMT` is an obsolete zone. */
export function mailDate(time: number | Date): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}
