/** Which objects name a list, a Secret or a user name, so that a change of one reaches exactly those objects. */

export interface Interests {
  /** Sets what an object names. Returns what has been added or dropped. */
  readonly set: (object: string, things: readonly string[]) => readonly string[];
  /** The objects that name a thing. */
  readonly of: (thing: string) => Iterable<string>;
  readonly things: (object: string) => readonly string[];
}

export function createInterests(): Interests {
  const byObject = new Map<string, readonly string[]>();
  /** Most things have one object, and a Set of one would take as much memory as a user's spec. */
  const byThing = new Map<string, string | Set<string>>();

  function add(thing: string, object: string): void {
    const objects = byThing.get(thing);
    if (objects === undefined) byThing.set(thing, object);
    else if (objects instanceof Set) objects.add(object);
    else byThing.set(thing, new Set([objects, object]));
  }

  function remove(thing: string, object: string): void {
    const objects = byThing.get(thing);
    if (!(objects instanceof Set)) byThing.delete(thing);
    else if (objects.delete(object) && objects.size === 0) byThing.delete(thing);
  }

  return {
    set: (object, things) => {
      const before = byObject.get(object) ?? [];
      const added = things.filter((thing) => !before.includes(thing));
      const gone = before.filter((thing) => !things.includes(thing));
      for (const thing of gone) remove(thing, object);
      for (const thing of added) add(thing, object);
      if (things.length === 0) byObject.delete(object);
      else if (added.length + gone.length > 0) byObject.set(object, things);
      return [...gone, ...added];
    },
    of: (thing) => {
      const objects = byThing.get(thing);
      if (objects === undefined) return [];
      return typeof objects === 'string' ? [objects] : objects;
    },
    things: (object) => byObject.get(object) ?? [],
  };
}
