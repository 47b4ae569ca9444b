export interface VectorReport {
  readonly passed: number
  readonly failed: ReadonlyArray<string>
}
