/** Figures of an answer as one line. */

import type { StatsView } from '../../language-server/protocol/chat-page';

const counts = new Intl.NumberFormat('en-US');

export function describeStats({ tokens, tokensPerSecond, firstTokenMs, reusedTokens, fedTokens }: StatsView): string {
  const parts = [`${counts.format(tokens)} tokens`];
  if (tokensPerSecond > 0) {
    parts.push(`${tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)} per second`);
  }
  parts.push(
    `first after ${firstTokenMs < 1000 ? `${Math.round(firstTokenMs)} ms` : `${(firstTokenMs / 1000).toFixed(1)} s`}`,
  );
  parts.push(`read ${counts.format(fedTokens)}, reused ${counts.format(reusedTokens)}`);
  return parts.join(' · ');
}
