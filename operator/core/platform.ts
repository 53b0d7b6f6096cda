/** What is the same for every namespace: what the platform owner has decided, worked out once for all. */
import { judgeBuiltInList, type ListVerdict } from './lists/lists.ts';
import type { ClassView, Craft, Snapshot } from './model.ts';
import { existingSendersOf, type ExistingSenders } from './senders/existing-senders.ts';

export interface Platform {
  readonly classes: ReadonlyMap<string, ClassView>;
  /** Names of the classes, in a fixed order. */
  readonly classNames: readonly string[];
  readonly verification: Snapshot['verification'];
  readonly howToVouch?: string;
  readonly existingSenders: ExistingSenders;
  /** The list of users whose namespace has no default list. */
  readonly builtInList: ListVerdict;
  readonly craft: Craft;
}

export function createPlatform(
  { classes, verification, howToVouch }: Pick<Snapshot, 'classes' | 'verification' | 'howToVouch'>,
  craft: Craft,
): Platform {
  const classNames = [...classes.keys()].sort();
  return {
    classes,
    classNames,
    verification,
    ...(howToVouch !== undefined && { howToVouch }),
    existingSenders: existingSendersOf(classNames.flatMap((name) => classes.get(name) ?? [])),
    builtInList: judgeBuiltInList(classes),
    craft,
  };
}
