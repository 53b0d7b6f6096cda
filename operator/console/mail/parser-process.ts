/** A process that takes mails apart for parser.ts, one question after the other. It may be killed at any time. */
import { writeFile } from 'node:fs/promises';
import { answerTo } from './parse.ts';
import type { ParserQuestion } from './questions.ts';

// where memory runs out, Linux is to end this process, and not the one that relays mail
await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined);

process.on('message', (question: ParserQuestion) => {
  void answerTo(question).then((answer) => process.send?.({ answer }));
});
process.send?.('ready');
