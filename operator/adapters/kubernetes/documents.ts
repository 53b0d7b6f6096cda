/** The relay's documents as planned last. Their text is made when it is written, not at each change. */
import { CLASS_FILE_NAME, shardFileName, type ClassDocument, type ShardDocument } from '../../../relay/config.ts';
import { classes, classNames } from '../../core/facts.ts';
import type { Planner } from '../../core/planner.ts';
import { allShards, classDocument, takeChangedShards } from '../../core/configuration/documents.ts';
import { fit } from '../../core/configuration/fit.ts';
import { read } from '../../core/world.ts';

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

export interface Documents {
  readonly text: (id: DocumentId) => DocumentText | undefined;
  /** Takes what has changed since the last call. */
  readonly takeChanged: (planner: Planner) => readonly DocumentId[];
  /** Takes everything, after a full plan. */
  readonly takeAll: (planner: Planner) => readonly DocumentId[];
}

export function createDocuments(): Documents {
  let documents = new Map<string, { readonly id: DocumentId; readonly document: ClassDocument | ShardDocument }>();
  function put(id: DocumentId, document: ClassDocument | ShardDocument): DocumentId {
    documents.set(`${id.className}/${id.fileName}`, { id, document });
    return id;
  }
  const ids = (): DocumentId[] => [...documents.values()].map(({ id }) => id);
  return {
    // compact: 100,000 users must fit under the 1 MiB of each Secret
    text: (id) => {
      const document = documents.get(`${id.className}/${id.fileName}`)?.document;
      if (document === undefined) return undefined;
      if (!('users' in document)) return { text: JSON.stringify(document), leftOut: [] };
      const fitting = fit(document, (text) => Buffer.byteLength(text));
      return { text: JSON.stringify(fitting.document), leftOut: fitting.leftOut };
    },
    takeChanged: ({ relays }) =>
      takeChangedShards(relays.store).map(({ className, shard, document }) =>
        put({ className, fileName: shardFileName(shard) }, document),
      ),
    takeAll: ({ relays, world }) => {
      documents = new Map();
      takeChangedShards(relays.store);
      for (const className of read(world, classNames, '') ?? []) {
        const view = read(world, classes, className);
        if (view === undefined) continue;
        put({ className, fileName: CLASS_FILE_NAME }, classDocument(className, view));
        for (const [shard, document] of allShards(relays.store, className).entries()) {
          put({ className, fileName: shardFileName(shard) }, document);
        }
      }
      return ids();
    },
  };
}
