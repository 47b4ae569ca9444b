/** The command `hostile`: attacks against real nodes of ours, with a table of figures. */
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { integer } from "@topic-tracker/cli-kit/flags"
import { Cause, Console, Effect, Exit, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { attacks } from "./attacks/index.ts"
import { type Attack, type Scale, scaleOf } from "./harness/Attack.ts"
import { isInside } from "./harness/namespace.ts"
import { type Outcome, SKIPPED, table, toJson } from "./harness/report.ts"

/** No attack takes longer, beside the time for which it was asked to listen. */
const LONGEST_MS = 10 * 60_000

/** Attacks at a time in the short form: they mostly wait. Memory and processor time are each victim's own. */
const SHORT_AT_ONCE = 3

const notMeasured = (attack: Attack, failure: string): ReadonlyArray<Outcome> => [
  { attack: attack.name, failure, figure: { what: "", value: undefined, unit: "", limit: 0, bound: "at most" } },
]

const runAttack = Effect.fnUntraced(function* (attack: Attack, scale: Scale) {
  if (attack.needsNamespace && !isInside()) return notMeasured(attack, SKIPPED)
  const exit = yield* Effect.exit(
    attack.run(scale).pipe(Effect.scoped, Effect.timeout(LONGEST_MS + scale.listenMs(0, 0))),
  )
  if (Exit.isFailure(exit)) {
    const error = Cause.squash(exit.cause)
    return notMeasured(attack, error instanceof Error ? error.message : String(error))
  }
  return exit.value.map((figure): Outcome => ({ attack: attack.name, figure }))
})

export const hostileCommand = Command.make(
  "hostile",
  {
    names: Argument.String("name").pipe(
      Argument.withDescription(`Only these attacks: ${attacks.map(({ name }) => name).join(", ")}`),
      Argument.variadic(),
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print an array of {name, value, unit, limit, holds} and nothing else"),
      Flag.withDefault(false),
    ),
    short: Flag.Boolean("short").pipe(
      Flag.withDescription("The short form, some 2 minutes: less time for each attack, and none of the longest"),
      Flag.withDefault(false),
    ),
    minutes: integer("minutes", "How long five-keys and ten-keys listen to the members (default: some 1)", 1, 60).pipe(
      Flag.optional,
    ),
  },
  Effect.fn("hostile")(function* ({ json, minutes, names, short }) {
    const unknown = names.find((name) => attacks.every((attack) => attack.name !== name))
    if (unknown !== undefined) {
      const known = attacks.map(({ name }) => name).join(", ")
      return yield* new UsageError({ message: `name: there is no attack ${unknown}; there are ${known}` })
    }
    const chosen = attacks.filter(({ fullOnly, name }) =>
      names.length > 0 ? names.includes(name) : !(short && fullOnly === true),
    )
    const scale = scaleOf(short, Option.getOrUndefined(minutes))
    const found = yield* Effect.forEach(
      chosen,
      Effect.fnUntraced(function* (attack) {
        const begun = performance.now()
        const outcomes = yield* runAttack(attack, scale)
        const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
        yield* Console.error(`${attack.name}: ${attack.about} (${seconds} s)`)
        for (const { failure } of outcomes) if (failure !== undefined) yield* Console.error(`  ${failure}`)
        return outcomes
      }),
      { concurrency: short ? SHORT_AT_ONCE : 1 },
    )
    const outcomes = found.flat()
    yield* Console.log(json ? JSON.stringify(outcomes.map(toJson)) : table(outcomes))
    const broken = outcomes.filter((outcome) => !toJson(outcome).holds).length
    if (broken > 0) return yield* new CommandFailed({ message: `${broken} of ${outcomes.length} figures do not hold` })
  }),
).pipe(
  Command.withDescription("Attack real nodes of ours and report whether the limits hold. Exit code 0 only if all do."),
)
