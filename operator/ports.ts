/** Ports as people write them: `2525,1025-5000`. A port that is named must be had; one that a range holds may be missing. */

/** More than these would be no list that a person has written. */
const PARTS_MAX = 1000;
const PORT_MAX = 65535;

export interface PortList {
  /** Each once, in the order of the list. 0 is any free one. */
  readonly ports: readonly number[];
  /** Those that are named by their own number. */
  readonly named: ReadonlySet<number>;
}

/** What is wrong with a list, and what to do. */
export interface PortTrouble {
  readonly problem: string;
}

export function parsePorts(text: string): PortList | PortTrouble {
  const ports = new Set<number>();
  const named = new Set<number>();
  const parts = text.trim() === '' ? [] : text.split(',');
  if (parts.length > PARTS_MAX) return { problem: `has more than ${PARTS_MAX} ports and ranges; use ranges` };
  for (const part of parts) {
    const range = parsePart(part.trim());
    if ('problem' in range) return range;
    const { first, last, isNamed } = range;
    if (isNamed && named.has(first)) return { problem: `names ${first} twice; once will do` };
    if (isNamed) named.add(first);
    for (let port = first; port <= last; port++) ports.add(port);
  }
  return { ports: [...ports], named };
}

interface Part {
  readonly first: number;
  readonly last: number;
  readonly isNamed: boolean;
}

function parsePart(text: string): Part | PortTrouble {
  const range = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(text);
  if (range === null) return { problem: `must be ports and ranges, such as 2525,1025-5000: \`${text}\` is neither` };
  const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
  if (Math.max(first, last) > PORT_MAX) return { problem: `goes up to ${PORT_MAX}: \`${text}\` is beyond` };
  if (first > last) return { problem: `has a range that is the wrong way round: write ${last}-${first}` };
  if (first === 0 && range[2] !== undefined)
    return { problem: `has a range from 0: begin with 1 (a 0 alone is any free port)` };
  return { first, last, isNamed: range[2] === undefined };
}

export interface PortWishes {
  readonly ports: string;
  readonly implicitTlsPorts: string;
  readonly http: number;
  /** Ports that are named may be missing, too. */
  readonly skipBusyPorts: boolean;
}

export interface SharedPorts {
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Those of both that may be missing. */
  readonly optionalPorts: ReadonlySet<number>;
}

/** Who listens where: whoever names a port has it, whatever ranges of the others it lies in. */
export function sharePorts({ ports, implicitTlsPorts, http, skipBusyPorts }: PortWishes): SharedPorts | PortTrouble {
  const [plain, implicit] = [parsePorts(ports), parsePorts(implicitTlsPorts)];
  if ('problem' in plain) return plain;
  if ('problem' in implicit) return implicit;
  const plainPorts = claim(plain, new Set([...implicit.named, http]));
  const implicitPorts = claim(implicit, new Set([...plain.named, http]));
  const all = [...plainPorts, ...implicitPorts];
  if (all.length === 0)
    return { problem: 'must not be empty where implicitTlsPorts is: nothing would listen for mail' };
  const clash = shared(plainPorts, implicitPorts, 'implicitTlsPorts') ?? shared(all, [http], 'http');
  if (clash !== undefined) return { problem: clash };
  const isOptional = (port: number): boolean => skipBusyPorts || !(plain.named.has(port) || implicit.named.has(port));
  return { ports: plainPorts, implicitTlsPorts: implicitPorts, optionalPorts: new Set(all.filter(isOptional)) };
}

function claim(list: PortList, namedElsewhere: ReadonlySet<number>): readonly number[] {
  return list.ports.filter((port) => port === 0 || list.named.has(port) || !namedElsewhere.has(port));
}

function shared(some: readonly number[], others: readonly number[], name: string): string | undefined {
  const taken = new Set(others);
  const port = some.find((one) => one !== 0 && taken.has(one));
  return port === undefined ? undefined : `${port} is also a port of ${name}; take it out of one of the two`;
}
