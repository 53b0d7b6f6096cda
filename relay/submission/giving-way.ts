/**
 * Which connection makes room for a new one when all places are taken. A place costs nothing to hold before the log-in,
 * so clients that have not logged in go first, of the source with most of them. Then an idle one, of the namespace with
 * most: a tenant that takes all places keeps nobody else out.
 */

export interface SessionStanding {
  /** The key of its address. */
  readonly source: string;
  /** Namespace of the user who has logged in; undefined before. */
  readonly namespace: string | undefined;
  /** Can be told to go: between two commands, and outside of a mail transaction. */
  readonly isIdle: boolean;
  /** Since when it has been waiting for its client; the order is all that counts. */
  readonly waitingSince: number;
}

interface Candidate {
  readonly standing: () => SessionStanding;
}

export function whoGivesWay<Session extends Candidate>(sessions: Iterable<Session>): Session | undefined {
  const strangers: Placed<Session>[] = [];
  const known: Placed<Session>[] = [];
  for (const session of sessions) {
    const standing = session.standing();
    (standing.namespace === undefined ? strangers : known).push({ session, standing });
  }
  const one = longestIdle(strangers, ({ source }) => source) ?? longestIdle(known, ({ namespace = '' }) => namespace);
  return one?.session;
}

interface Placed<Session> {
  readonly session: Session;
  readonly standing: SessionStanding;
}

/** The one that has been idle longest, among those of the largest group that has an idle one. */
function longestIdle<One extends { readonly standing: SessionStanding }>(
  all: readonly One[],
  groupOf: (standing: SessionStanding) => string,
): One | undefined {
  const sizes = new Map<string, number>();
  for (const { standing } of all) sizes.set(groupOf(standing), (sizes.get(groupOf(standing)) ?? 0) + 1);
  let [best, most] = [undefined as One | undefined, 0];
  for (const one of all) {
    const size = sizes.get(groupOf(one.standing)) ?? 0;
    const isOlder = size === most && best !== undefined && one.standing.waitingSince < best.standing.waitingSince;
    if (one.standing.isIdle && (size > most || isOlder)) [best, most] = [one, size];
  }
  return best;
}
