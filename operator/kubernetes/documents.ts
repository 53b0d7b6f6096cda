/** The relay's documents. Their text is made when it is written, from the plan as it is then, not at each change. */
import { CLASS_FILE_NAME, SHARD_COUNT, shardFileName } from '../../relay/config.ts';
import { classDocument, shardDocument, takeChangedShards } from '../core/configuration/documents.ts';
import { fit } from '../core/configuration/fit.ts';
import { classes, classNames } from '../core/facts.ts';
import type { Planner } from '../core/planner.ts';
import { read } from '../core/world.ts';

export interface DocumentId {
  readonly className: string;
  readonly fileName: string;
}

/** What is to be written. */
export interface DocumentText {
  readonly text: string;
  /** Keys of entries that it has no room for. */
  readonly leftOut: readonly string[];
}

const SHARD_NAMES = Array.from({ length: SHARD_COUNT }, (_, shard) => shardFileName(shard));

/** The document as planned now; undefined where its class is gone. */
export function documentText(
  { world, relays }: Planner,
  { className, fileName }: DocumentId,
): DocumentText | undefined {
  const view = read(world, classes, className);
  if (view === undefined) return undefined;
  // compact: 100,000 users must fit under the 1 MiB of each Secret
  if (fileName === CLASS_FILE_NAME) return { text: JSON.stringify(classDocument(className, view)), leftOut: [] };
  const shard = shardDocument(relays.store, className, SHARD_NAMES.indexOf(fileName));
  const { document, leftOut } = fit(shard, (text) => Buffer.byteLength(text));
  return { text: JSON.stringify(document), leftOut };
}

/** What has changed since the last call. */
export function takeChangedDocuments({ relays }: Planner): readonly DocumentId[] {
  return takeChangedShards(relays.store).map(({ className, shard }) => ({ className, fileName: shardFileName(shard) }));
}

/** Everything, after a full plan. */
export function takeAllDocuments({ relays, world }: Planner): readonly DocumentId[] {
  takeChangedShards(relays.store);
  return (read(world, classNames, '') ?? []).flatMap((className) =>
    [CLASS_FILE_NAME, ...SHARD_NAMES].map((fileName) => ({ className, fileName })),
  );
}
