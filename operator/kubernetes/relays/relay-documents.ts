/** The relays' documents. Their text is made when they are written, from the plan as it is then, not at each change. */
import { CLASS_FILE_NAME, SHARD_COUNT, shardFileName, type ClassDocument } from '../../../relay/config/config.ts';
import { fit } from '../../core/fit.ts';
import type { Planner } from '../../core/planner-state.ts';
import { classDocument, shardDocument } from '../../core/relay-config.ts';
import type { DocumentChange, DocumentId, DocumentText } from './rollout.ts';

const SHARD_NAMES = Array.from({ length: SHARD_COUNT }, (_, shard) => shardFileName(shard));

/** The document as planned now, for a class with this many relays; undefined where the class is gone. */
export function documentText(
  { platform, relays }: Planner,
  { className, fileName }: DocumentId,
  { count, handover }: { readonly count: number; readonly handover: ClassDocument['handover'] },
): DocumentText | undefined {
  const view = platform.classes.get(className);
  if (view === undefined) return undefined;
  // compact: 100,000 users must fit under the 1 MiB of each Secret
  if (fileName === CLASS_FILE_NAME) {
    const document = { ...classDocument(className, view, count), ...(handover !== undefined && { handover }) };
    return { text: JSON.stringify(document), leftOut: [] };
  }
  const shard = shardDocument(relays.store, className, SHARD_NAMES.indexOf(fileName));
  const { document, leftOut } = fit(shard, (text) => Buffer.byteLength(text));
  return { text: JSON.stringify(document), leftOut };
}

/** A class has another number of relays. */
export function sizeChange(className: string): DocumentChange {
  return { className, fileName: CLASS_FILE_NAME, entries: [], isUrgent: false };
}

/** Everything, after a plan of everything: what is in the cluster as it should be is not written again. */
export function allDocuments({ platform }: Planner): readonly DocumentChange[] {
  return platform.classNames.flatMap((className) =>
    [CLASS_FILE_NAME, ...SHARD_NAMES].map((fileName) => ({ className, fileName, entries: [], isUrgent: false })),
  );
}
