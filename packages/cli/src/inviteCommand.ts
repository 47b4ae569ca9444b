/**
 * The command `invite`: prints an invitation to a topic, as text and as a QR code. It starts no node. An invitation is membership, so it is
 * printed and nothing else keeps it.
 */
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { text } from "@topic-tracker/cli-kit/flags"
import { stdoutQrCode } from "@topic-tracker/cli-kit/qrCode"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { readSecret, secretFlags } from "@topic-tracker/cli-kit/secret"
import { accessFlag } from "@topic-tracker/cli-kit/topic"
import { EndpointId } from "@topic-tracker/core"
import * as Invite from "@topic-tracker/core/Invite"
import { Clock, Console, Duration, Effect, Option, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { summaries } from "./summaries.ts"

/** A peer in the form ID@IP:PORT[,IP:PORT], as the event `ready` of the command `node` has both. */
const parsePeer = (text: string): Option.Option<Invite.InvitePeer> => {
  const [id = "", ...addresses] = text.split(/[@,]/)
  const direct = addresses.filter((address) => /^(\[[0-9a-f:.]+\]|[\d.]+):\d{1,5}$/i.test(address))
  return Schema.is(EndpointId.EndpointId)(id) && direct.length > 0 && direct.length === addresses.length
    ? Option.some({ id, address: { relayUrl: undefined, direct } })
    : Option.none()
}

const isUsable = (duration: Duration.Duration): boolean =>
  Duration.isFinite(duration) && Duration.toMillis(duration) >= 1_000

const flags = {
  topic: text("topic", "The topic's name"),
  ...secretFlags("The secret of the topic, known to its members only"),
  access: accessFlag("open"),
  expires: Flag.String("expires").pipe(
    Flag.filterMap(
      (text) => Option.filter(Duration.fromInput(text as Duration.Input), isUsable),
      () => 'a time such as "1 day" or "30 minutes"',
    ),
    Flag.withMetavar("duration"),
    Flag.withDescription('The time for which it may be used, such as "1 day" (default: for ever)'),
    Flag.optional,
  ),
  peers: Flag.String("peer").pipe(
    Flag.filterMap(parsePeer, () => "ID@IP:PORT[,IP:PORT] with the id of a node"),
    Flag.withMetavar("peer"),
    Flag.withDescription(
      `A node that the newcomer dials at once, ID@IP:PORT[,IP:PORT], as \`ready\` of node --json has them; up to ${Invite.MAX_INVITE_PEERS}`,
    ),
    Flag.atMost(Invite.MAX_INVITE_PEERS),
  ),
  qr: Flag.Boolean("qr").pipe(Flag.withDescription("Draw it as a QR code, too"), Flag.withDefault(false)),
}

export const inviteCommand = Command.make(
  "invite",
  flags,
  Effect.fn("invite")(function* ({ access, expires, peers, qr, topic, ...given }) {
    const secret = yield* readSecret(given)
    const now = yield* Clock.currentTimeMillis
    const invitation = yield* Effect.fromResult(
      Invite.make({
        topic,
        secret,
        access: Option.getOrElse(access, () => "open" as const),
        peers,
        ...(Option.isSome(expires) && { expires: now + Duration.toMillis(expires.value) }),
      }),
    ).pipe(Effect.mapError(({ message }) => new UsageError({ message })))
    yield* Console.log(Redacted.value(invitation))
    if (qr) yield* draw(Redacted.value(invitation))
  }),
).pipe(
  Command.withDescription(
    "Print an invitation to a topic. It has the secret: whoever reads it can take part, so pass it on like a key.",
  ),
  Command.withShortDescription(summaries.invite),
  withExamples([
    '--topic crew --secret-file secret.txt --access members --expires "1 day" --qr',
    "As text and as a QR code, for one day",
  ]),
)

const draw = Effect.fnUntraced(function* (invitation: string) {
  const { columns, fits, text } = stdoutQrCode(invitation)
  if (fits) return yield* Console.log(`\n${text}`)
  const message = `--qr: the code has ${columns} columns, and this terminal ${process.stdout.columns}; make it wider`
  return yield* new CommandFailed({ message })
})
