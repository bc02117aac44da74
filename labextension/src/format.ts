import type { TranslationBundle } from '@jupyterlab/translation';

import { FINAL_STATES } from './tokens';
import type { Kfops } from './tokens';

/** `0:41`, `2:10`, `1:02:10`: hours, minutes and seconds of a duration in seconds. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (value: number) => String(value).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** How long something has taken so far, or took; empty when it has not begun. */
export function durationOf(
  what: { state: Kfops.State; started_at: string; finished_at: string },
  now = Date.now()
): string {
  const start = Date.parse(what.started_at);
  if (Number.isNaN(start)) {
    return '';
  }
  const end = Date.parse(what.finished_at);
  if (Number.isNaN(end)) {
    return FINAL_STATES.has(what.state) ? '' : formatDuration((now - start) / 1000);
  }
  return formatDuration((end - start) / 1000);
}

/** `812 B`, `7.4 kB`, `1.2 MB`: a size in units of 1000. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} B`;
  }
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 9.95 ? value.toFixed(1) : String(Math.round(value))} ${units[unit]}`;
}

/** The first 8 characters of an id or a digest; the whole is what a copy button copies. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** What people call a version of a pipeline. */
export function versionTitle(
  version: { number: number; name: string },
  trans: TranslationBundle
): string {
  return version.number ? trans.__('version %1', version.number) : version.name;
}

/** The name of a file, without the folders that lead to it. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A name too long for its place, with its middle left out: both ends tell names apart. */
export function middleEllipsis(text: string, length: number): string {
  if (text.length <= length) {
    return text;
  }
  const head = Math.ceil((length - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`;
}

/** `just now`, `5 min ago`, `3 h ago`, `2 d ago`; the exact time is for the hover. */
export function timeAgo(time: string, trans: TranslationBundle, now = Date.now()): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) {
    return '';
  }
  const minutes = Math.floor(Math.max(0, now - then) / 60_000);
  if (minutes < 1) {
    return trans.__('just now');
  }
  if (minutes < 60) {
    return trans.__('%1 min ago', minutes);
  }
  if (minutes < 48 * 60) {
    return trans.__('%1 h ago', Math.floor(minutes / 60));
  }
  return trans.__('%1 d ago', Math.floor(minutes / 1440));
}

/** `1 h 12 min`: the time left until `time`; empty when it is unknown, `0 min` when it is over. */
export function timeLeft(time: string, trans: TranslationBundle, now = Date.now()): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) {
    return '';
  }
  const minutes = Math.max(0, Math.floor((then - now) / 60_000));
  return minutes < 60
    ? trans.__('%1 min', minutes)
    : trans.__('%1 h %2 min', Math.floor(minutes / 60), minutes % 60);
}

/** A time as the browser's language writes it, for hovers. */
export function exactTime(time: string): string {
  const then = Date.parse(time);
  return Number.isNaN(then) ? '' : new Date(then).toLocaleString();
}

/** `1 day 12 hours`: an ISO 8601 duration; one of another form as it is. */
export function isoDuration(text: string, trans: TranslationBundle): string {
  const found = ISO_DURATION.exec(text);
  const [years, months, weeks, days, hours, minutes, seconds] = (found ?? [])
    .slice(1)
    .map(number => Number(number ?? 0));
  const parts = [
    years && trans._n('%1 year', '%1 years', years, years),
    months && trans._n('%1 month', '%1 months', months, months),
    weeks && trans._n('%1 week', '%1 weeks', weeks, weeks),
    days && trans._n('%1 day', '%1 days', days, days),
    hours && trans._n('%1 hour', '%1 hours', hours, hours),
    minutes && trans._n('%1 minute', '%1 minutes', minutes, minutes),
    seconds && trans._n('%1 second', '%1 seconds', seconds, seconds)
  ];
  return parts.filter(Boolean).join(' ') || text;
}

const ISO_DURATION =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
