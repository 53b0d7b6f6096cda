/** `audit`: whom an auditing list would have refused, added up from the log. */
import { isRecord, parseJson, textAt } from '../api/plain-data.ts';
import type { LogSource } from './log-files.ts';
import type { Result } from './source.ts';
import { shortTime, textTable, type Width } from './text.ts';

interface Count {
  readonly list: string;
  readonly user: string;
  readonly reason: string;
  readonly from: string;
  messages: number;
  first: string;
  last: string;
}

/** Addresses are anybody's choice: no more of them than people read. */
const ROWS_MAX = 1000;
const HEADER = ['LIST', 'USER', 'WOULD BE REFUSED', 'FROM', 'MESSAGES', 'FIRST', 'LAST'];

export async function runAudit(logs: readonly LogSource[], { width }: Width): Promise<Result> {
  const counts = new Map<string, Count>();
  let isMore = false;
  for (const { lines } of logs) {
    for await (const line of lines()) {
      // quicker than to read each line of a day
      if (!line.includes('"audited"')) continue;
      const found = countOf(parseJson(line));
      if (found === undefined) continue;
      const key = JSON.stringify([found.list, found.user, found.reason, found.from]);
      const known = counts.get(key);
      if (known !== undefined) add(known, found.first);
      else if (counts.size < ROWS_MAX) counts.set(key, found);
      else isMore = true;
    }
  }
  const rows = [...counts.values()].toSorted((a, b) => b.messages - a.messages);
  const cells = rows.map(({ list, user, reason, from, messages, first, last }) => {
    return [list, user, reason, from || '<>', String(messages), shortTime(first), shortTime(last)];
  });
  return {
    code: 0,
    text:
      rows.length === 0
        ? 'Nobody would have been refused: there is no line `audited` in the log.'
        : textTable([HEADER, ...cells], { width }, ['FIRST', 'LAST', 'LIST']).join('\n'),
    json: { audited: rows, isComplete: !isMore },
    problems: isMore ? [`warning: there are more than ${ROWS_MAX} of them; the others are not shown`] : [],
  };
}

function countOf(entry: unknown): Count | undefined {
  if (!isRecord(entry) || entry['msg'] !== 'audited') return undefined;
  const text = (field: string): string => textAt(entry, field) ?? '';
  const time = text('time');
  return {
    list: text('list'),
    user: text('user'),
    reason: text('reason'),
    from: text('from'),
    messages: 1,
    first: time,
    last: time,
  };
}

function add(known: Count, time: string): void {
  known.messages += 1;
  if (time < known.first) known.first = time;
  if (time > known.last) known.last = time;
}
