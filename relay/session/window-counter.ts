/**
 * Counts by key over fixed windows that begin with the first use. In memory, of this process alone, and bounded: when
 * full, the window that began first is forgotten. (rate-limiter-flexible keeps a timer a key and knows no bound.)
 */

export interface WindowCounter {
  /** The key's count in its current window. */
  used(key: string, windowMs: number): number;
  /** Counts up, and returns the new count. */
  add(key: string, windowMs: number, amount?: number): number;
  /** Counts down again, never below nothing. A key without a window is left alone. */
  giveBack(key: string, amount?: number): void;
  /** Lets the key's window begin now, its count kept. */
  restart(key: string): void;
  forget(key: string): void;
  /** Time until the key's window ends, 0 where it has none. */
  remainingMs(key: string, windowMs: number): number;
}

interface Window {
  readonly start: number;
  readonly count: number;
}

export function createWindowCounter({
  maxKeys,
  now = Date.now,
}: {
  maxKeys: number;
  now?: () => number;
}): WindowCounter {
  // in the order in which windows began: a Map keeps the order of insertion
  const windows = new Map<string, Window>();

  function current(key: string, windowMs: number): Window | undefined {
    const window = windows.get(key);
    if (window === undefined || now() - window.start < windowMs) return window;
    windows.delete(key);
    return undefined;
  }

  function begin(key: string, count: number): void {
    windows.delete(key);
    const [oldest] = windows.keys();
    if (windows.size >= maxKeys && oldest !== undefined) windows.delete(oldest);
    windows.set(key, { start: now(), count });
  }

  return {
    used: (key, windowMs) => current(key, windowMs)?.count ?? 0,
    add(key, windowMs, amount = 1) {
      const window = current(key, windowMs);
      if (window === undefined) begin(key, amount);
      else windows.set(key, { start: window.start, count: window.count + amount });
      return (window?.count ?? 0) + amount;
    },
    giveBack(key, amount = 1) {
      const window = windows.get(key);
      if (window !== undefined) windows.set(key, { start: window.start, count: Math.max(0, window.count - amount) });
    },
    restart: (key) => begin(key, windows.get(key)?.count ?? 0),
    forget: (key) => void windows.delete(key),
    remainingMs(key, windowMs) {
      const window = current(key, windowMs);
      return window === undefined ? 0 : window.start + windowMs - now();
    },
  };
}
