/**
 * The times and limits of presence. Times are in ms. The reasons and the figures that they lead to are in the README; what is on the wire is
 * specified in PROTOCOL.md, "Presence".
 */

/** The mean time between two digests to a neighbour; each varies by a fifth. */
export const DIGEST_MS = 6_000
/** The first digest to a new neighbour: broadcasts that are under way arrive before. */
export const FIRST_DIGEST_MS = 700
/** A node waits so long for the number of members before it tells its own entry: the entry says for how long it is valid, which depends on that. */
export const ANNOUNCE_WITHIN_MS = 1_000
/** A neighbour that sends nothing for so long is suspected, if its connection has not broken before: two digests and their repetitions were lost. */
export const SILENT_MS = 15_000
/** Accusers wait up to so long at random: those that come later see that there are enough. */
export const ACCUSE_WITHIN_MS = 500
/** The accusations of one member that are kept and sent; more change nothing. */
export const MAX_ACCUSATIONS = 2
/** A suspected member is lost after this time, with one accuser and with all. Source: Lifeguard (Dadgar, Phillips, Currey 2017), section IV-B. */
export const SUSPICION_MAX_MS = 6_000
export const SUSPICION_MIN_MS = 3_000
/** A node that hears no neighbour for so long is alone: it shows no other member. */
export const ALONE_MS = 18_000
/** Members that were lost within this time of each other count together. */
export const MASS_MS = 30_000
/** So many of them, as a share of the members, and at least so many: the swarm is split, and they may come back as they were. */
export const MASS_SHARE = 0.1
export const MASS_LEAST = 3
/** A member that was lost in a split comes back without a word of its own, but not before all of this part have lost it. */
export const PARTED_GUARD_MS = 20_000

/** An unknown root may be that of a broadcast under way: so long after it the neighbour is asked for its root again. */
export const COMPARE_AFTER_MS = 1_500
/** The side that knows more members, or has the greater id, gives the other one this time to begin. */
export const SECOND_SIDE_MS = 1_000
/** Exchanges begin so far from each other; the next one with the same neighbour waits longer each time, unless the roots were equal. */
export const EXCHANGE_GAP_MS = 300
export const FIRST_BACKOFF_MS = 1_000
export const MAX_BACKOFF_MS = 60_000
/** After an exchange that taught us something the neighbours get digests so soon. */
export const TELL_AFTER_MS = 50
/** A list of all members that stopped to arrive for so long is not waited for any longer. */
export const PULL_MS = 3_000
/** Roots that we had a short time ago: a neighbour with one of them lacks a change that is under way to it. */
export const MAX_ROOTS = 64
export const ROOT_MS = 5_000

/** An entry is renewed after this time, or after N × `RENEW_PER_MEMBER_MS`: the renewals of all are 1 in 14.4 s, however many they are. */
export const RENEW_MS = 10 * 60_000
export const RENEW_PER_MEMBER_MS = 14_400
/** An entry is valid for so many times that. */
export const LEASE_FACTOR = 2.5
/** The longest validity, in minutes. */
export const MAX_TTL_MINUTES = 10_080
/** How wrong clocks may be. */
export const CLOCK_SKEW_MS = 10 * 60_000
/** Our own changes: so many at once, so many a second. Others take twice as many at once before they do not pass them on. */
export const OWN_BURST = 5
export const AUTHOR_BURST = 10
export const CHANGES_PER_SECOND = 1
/** Several updates within this time are one. */
export const COALESCE_MS = 200
/** Accusations of one accuser. */
export const ACCUSATIONS_BURST = 10
export const ACCUSATIONS_PER_SECOND = 10 / 60
/** The members in one accusation. */
export const MAX_ACCUSED = 8

/** The longest state of a member on the wire, in bytes. */
export const MAX_STATE_BYTES = 1_024
/** The members that a node keeps, unless configured. Beside them it keeps as many that are gone. */
export const MAX_MEMBERS = 20_000
/** The bytes of one whisper. */
export const MAX_WHISPER_BYTES = 48 * 1024
/** The bytes of lists that a neighbour gets: so many at once, and a second. */
export const ANSWER_BURST_BYTES = 4 * 1024 * 1024
export const ANSWER_BYTES_PER_SECOND = 64 * 1024
/** Questions of a neighbour that are answered, at once and a second. */
export const QUESTIONS_BURST = 200
export const QUESTIONS_PER_SECOND = 20
/** Signatures that are checked for the whispers of a neighbour, at once and a second. */
export const CHECKS_BURST = 20_000
export const CHECKS_PER_SECOND = 200
/** Another process with our key is one that corrects us so often within this time. */
export const KEY_IN_USE_TIMES = 3
export const KEY_IN_USE_MS = 10_000
/** A tick that is so late means that the process stood still: it blames nobody for the silence. */
export const STALL_MS = 1_000
/** How often leases are looked at. */
export const SWEEP_MS = 30_000
