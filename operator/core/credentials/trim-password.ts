/** A password from a Secret without the newline that editors and `kubectl create secret --from-file` leave at its end. */
export function trimPassword(value: string): string {
  return value.replace(/\r?\n$/, '');
}
