/** A stream whose end waits for its writes: the binding may run `finish` before a write that was called first, which loses the bytes. */
import type { BiStream } from "@topic-tracker/gossip"

export const inOrder = ({ receive, send }: BiStream): BiStream => {
  let writes = 0
  let isFinishing = false
  return {
    receive,
    send: {
      write: (bytes, done) => {
        writes++
        send.write(bytes, (isAlive) => {
          writes--
          done(isAlive)
          if (writes === 0 && isFinishing) send.finish()
        })
      },
      finish: () => {
        isFinishing = true
        if (writes === 0) send.finish()
      },
      reset: (code) => send.reset(code),
      onStopped: (listener) => send.onStopped(listener),
    },
  }
}
