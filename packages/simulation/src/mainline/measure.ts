/** Measures walks and joins on a mainline DHT with one seed, in one synchronous run on virtual time. */
import { Cause, Effect, Exit, Layer, Logger, Scope } from "effect"
import * as SharedCrypto from "../environment/sharedCrypto.ts"
import { VirtualTime } from "../environment/VirtualTime.ts"
import { EPOCH_MS } from "../run/runScenario.ts"
import type { MainlineSettings } from "../scenario/DhtSettings.ts"
import { sampleJoins } from "./joins.ts"
import { makeMainline } from "./mainlineDht.ts"
import { Samples } from "./Samples.ts"
import { sampleWalks } from "./walks.ts"

export interface MeasureOptions {
  /** Samples of each figure. */
  readonly count: number
  readonly seed: bigint
  readonly settings: MainlineSettings
  readonly walks?: boolean
  readonly joins?: boolean
  /** Called after each sample. */
  readonly onProgress?: (part: number) => void
}

/** Throws if a sample does not end: an error of the simulation or of the code that it runs. */
export const measureMainline = ({
  count,
  joins = true,
  onProgress,
  seed,
  settings,
  walks = true,
}: MeasureOptions): Samples => {
  const time = new VirtualTime(EPOCH_MS, seed)
  const samples = new Samples()
  const program = Effect.gen(function* () {
    const crypto = Layer.succeedContext(yield* Layer.build(SharedCrypto.layer()))
    const network = yield* makeMainline(settings)
    for (let i = 0; i < count; i++) {
      const sample = Effect.gen(function* () {
        if (walks) yield* sampleWalks(network, i, samples)
        if (joins) yield* sampleJoins(network, i, samples)
      })
      // A node that is alone for a while says so; here it always is.
      yield* sample.pipe(Effect.scoped, Effect.provide(Layer.merge(crypto, Logger.layer([]))))
      onProgress?.((i + 1) / count)
    }
  })
  const exit = time.run(Effect.flatMap(Scope.make(), (scope) => Scope.provide(program, scope)))
  if (Exit.isFailure(exit)) throw new Error(Cause.pretty(exit.cause))
  return samples
}
