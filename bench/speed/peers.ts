/** libllama's ways to decode: the best of them at each depth is the peer. */

import { cancellable } from '../../language-server/base/cancellable';
import type { LaboratoryOpenModel, Reference } from '../common/addon';

interface PeerKind {
  readonly name: string;
  readonly q8Cache: boolean;
  readonly flashAttention: boolean;
}

/** A q8_0 cache needs flash attention. */
const peerKinds: readonly PeerKind[] = [
  { name: 'f16, flash attention', q8Cache: false, flashAttention: true },
  { name: 'q8_0, flash attention', q8Cache: true, flashAttention: true },
  { name: 'f16', q8Cache: false, flashAttention: false },
];

export interface Peer {
  readonly kind: PeerKind;
  readonly reference: Reference;
}

export async function openPeers(
  { addon, path, threads }: LaboratoryOpenModel,
  contextTokens: number,
  signal: AbortSignal,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  try {
    for (const kind of peerKinds) {
      const { q8Cache, flashAttention } = kind;
      const task = addon.loadReference(path, { contextTokens, threads, q8Cache, flashAttention });
      peers.push({ kind, reference: await cancellable(task, signal) });
    }
    return peers;
  } catch (error) {
    closePeers(peers);
    throw error;
  }
}

export function closePeers(peers: readonly Peer[]): void {
  for (const { reference } of peers) {
    reference.dispose();
  }
}

/** Bytes of all peers: weights and caches. */
export function peersBytes({ model }: LaboratoryOpenModel, contextTokens: number): number {
  const { bytes, kvBytesPerToken } = model.info;
  // q8_0: 34 bytes for 32 values of 2; deep caches are made through a saved copy
  const caches = 2 + 34 / 64 + 2;
  return peerKinds.length * bytes + caches * kvBytesPerToken * contextTokens;
}
