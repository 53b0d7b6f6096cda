/** When things change merely because time passes: at most one moment for each thing. */
export interface Alarms {
  /** Sets the moment for a thing in place of the one before, or none. */
  readonly set: (what: string, moment: Date | undefined) => void;
  readonly next: () => Date | undefined;
  /** The things whose moment has come, each once. */
  readonly take: (now: Date) => readonly string[];
}

interface Alarm {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: string;
}

export function createAlarms(): Alarms {
  const moments = new Map<string, number>();
  /** By time. Entries that `moments` no longer confirms are passed over. */
  let sorted: Alarm[] = [];

  function dropOutdated(): void {
    let outdated = 0;
    for (const { at, what } of sorted) {
      if (moments.get(what) === at) break;
      outdated++;
    }
    if (outdated > 0) sorted.splice(0, outdated);
    // most are outdated where moments are set anew again and again
    if (sorted.length > 2 * moments.size + 100) sorted = sorted.filter(({ at, what }) => moments.get(what) === at);
  }

  return {
    set: (what, moment) => {
      const at = moment?.getTime();
      if (at === moments.get(what)) return;
      if (at === undefined) moments.delete(what);
      else {
        moments.set(what, at);
        insert(sorted, { at, what });
      }
    },
    next: () => {
      dropOutdated();
      const [first] = sorted;
      return first === undefined ? undefined : new Date(first.at);
    },
    take: (now) => {
      const due: string[] = [];
      dropOutdated();
      for (let first = sorted[0]; first !== undefined && first.at <= now.getTime(); first = sorted[0]) {
        moments.delete(first.what);
        due.push(first.what);
        dropOutdated();
      }
      return due;
    },
  };
}

/** Binary search. Most alarms are set later than those before them, so that little has to be moved. */
function insert(alarms: Alarm[], alarm: Alarm): void {
  let [low, high] = [0, alarms.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((alarms[middle]?.at ?? Infinity) <= alarm.at) low = middle + 1;
    else high = middle;
  }
  alarms.splice(low, 0, alarm);
}
