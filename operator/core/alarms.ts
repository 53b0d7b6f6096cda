export interface Alarm<Of> {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: Of;
}

/** Inserts into a sorted array, by halving: almost every alarm is later than almost all others, so little is moved. */
export function insertAlarm<Of>(alarms: Alarm<Of>[], alarm: Alarm<Of>): void {
  let low = 0;
  let high = alarms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((alarms[middle]?.at ?? Infinity) <= alarm.at) low = middle + 1;
    else high = middle;
  }
  alarms.splice(low, 0, alarm);
}
