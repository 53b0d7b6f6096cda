/** Which objects a command is asked about: kinds as kubectl takes them, objects, or whole namespaces. */
import { kindNames, kinds, type KindName } from '../api/kinds.ts';
import { CommandError, type SeenObject, type Source } from './source.ts';

interface Question {
  readonly kinds: readonly KindName[];
  /** `NAMESPACE/NAME`, or `NAMESPACE/` for all of a namespace; none: everything. */
  readonly keys: readonly string[];
}

interface Found {
  readonly objects: readonly SeenObject[];
  /** Keys of which there is nothing. */
  readonly missing: readonly string[];
}

/** @param words `spu`, `shop/orders`, `shop/`; none: everything */
export function questionOf(words: readonly string[], among: readonly KindName[] = kindNames): Question {
  const [named, keys]: [KindName[], string[]] = [[], []];
  for (const word of words) {
    const kind = kindOf(word);
    if (kind !== undefined && among.includes(kind)) named.push(kind);
    else if (/^[a-z0-9.-]+\/[a-z0-9.-]*$/.test(word)) keys.push(word);
    else {
      const known = among.flatMap((name) => kinds[name].shortNames).join(', ');
      throw new CommandError(
        `${word} is neither a kind (${known}) nor NAMESPACE/NAME; NAMESPACE/ is all of a namespace`,
      );
    }
  }
  return { kinds: named.length === 0 ? among : named, keys };
}

export async function find(
  source: Source,
  { kinds: wanted, keys }: Question,
  namespace: string | undefined,
): Promise<Found> {
  const all: SeenObject[] = [];
  const namespaces = new Set(keys.map((key) => key.slice(0, key.indexOf('/'))));
  for (const kind of wanted) {
    for (const one of namespaces.size > 0 ? namespaces : [namespace]) {
      for (const object of await source.objects(kind, one)) all.push(object);
    }
  }
  const objects = all.filter((object) => keys.length === 0 || keys.some((key) => fits(key, object)));
  return { objects, missing: keys.filter((key) => !objects.some((object) => fits(key, object))) };
}

function fits(asked: string, { namespace, name }: SeenObject): boolean {
  return asked.endsWith('/') ? `${namespace}/` === asked : `${namespace}/${name}` === asked;
}

function kindOf(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  return kindNames.find((name) => {
    const { singular, plural, shortNames } = kinds[name];
    return [singular, plural, ...shortNames].includes(lower);
  });
}
