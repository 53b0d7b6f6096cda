/**
 * What relays ask of the store: scripts, which it runs one after the other, so that whoever asks at the same moment is counted in
 * turn. Windows are those of submission/window-counter.ts, by the clock of the store alone.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly text: string;
  /** By which a store knows a script that it has run before. */
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

const WINDOWS = `${CLOCK}
local function window(key, length)
  local found = redis.call('HMGET', key, 'start', 'count')
  local start, count = tonumber(found[1]), tonumber(found[2])
  if start and count and start <= now and now < start + length then return start, count end
  return now, 0
end
local function put(key, start, count, length)
  redis.call('HSET', key, 'start', start, 'count', count)
  redis.call('PEXPIRE', key, start + length - now)
end
`;

/** KEYS: window. ARGV: limit, length of the window. Answers whether it was counted, start, count and milliseconds left. */
export const SPEND = script(`${WINDOWS}
local limit, length = tonumber(ARGV[1]), tonumber(ARGV[2])
local start, count = window(KEYS[1], length)
local left = start + length - now
if count >= limit then return {0, start, count, left} end
put(KEYS[1], start, count + 1, length)
return {1, start, count + 1, left}
`);

/** KEYS: window. ARGV: its start. */
export const GIVE_BACK = script(`
local found = redis.call('HMGET', KEYS[1], 'start', 'count')
if found[1] == ARGV[1] and tonumber(found[2]) > 0 then redis.call('HINCRBY', KEYS[1], 'count', -1) end
return {1}
`);

const FAILURES = `${WINDOWS}
local length = tonumber(ARGV[1])
local function isFull(i)
  local _, count = window(KEYS[i], length)
  return count >= tonumber(ARGV[i + 1])
end
`;

/** KEYS: windows of failed log-ins. ARGV: their length, then the limit of each. Answers whether none has reached its limit. */
export const MAY_TRY = script(`${FAILURES}
for i = 1, #KEYS do if isFull(i) then return {0} end end
return {1}
`);

/**
 * The same, and counts a failure in each, unless another one was counted meanwhile that reached a limit: answers {0} then, else the count
 * in the first window. A lock-out lasts its whole time, counted from the last failure.
 */
export const FAIL = script(`${FAILURES}
for i = 1, #KEYS do if isFull(i) then return {0} end end
local first
for i = 1, #KEYS do
  local start, count = window(KEYS[i], length)
  if count + 1 >= tonumber(ARGV[i + 1]) then start = now end
  put(KEYS[i], start, count + 1, length)
  first = first or count + 1
end
return {first}
`);

/** The same for a log-in that was right: forgets the failures in the first window. Answers {0} or {1}. */
export const SUCCEED = script(`${FAILURES}
for i = 1, #KEYS do if isFull(i) then return {0} end end
redis.call('DEL', KEYS[1])
return {1}
`);

/** KEYS: a user's connections. ARGV: id of a further one, limit, milliseconds that it counts unless somebody says again that it is there. */
export const ENTER = script(`${CLOCK}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return {0} end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1}
`);

/** KEYS: a user's connections. ARGV: id of one that is gone. */
export const LEAVE = script(`
redis.call('ZREM', KEYS[1], ARGV[1])
return {1}
`);

/** KEYS: for each connection those of its user. ARGV: milliseconds that each counts from now on, then the ids. */
export const HOLD = script(`${CLOCK}
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return {1}
`);
