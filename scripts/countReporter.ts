/** A vitest reporter that prints the last line `N passed, N failed`, which vitest itself does not print. */
import type { Reporter, TestModule } from "vitest/node"

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      let tests = 0
      for (const test of module.children.allTests()) {
        tests++
        const { state } = test.result()
        if (state === "passed") passed++
        else if (state === "failed") failed++
      }
      // A file that fails to load has errors and no tests.
      if (tests === 0 || module.errors().length > 0) failed += Math.max(1, module.errors().length)
    }
    // After the summary of the default reporter, which is printed in the same turn of the event loop.
    setImmediate(() => console.log(`\n${passed} passed, ${failed} failed`))
  }
}
