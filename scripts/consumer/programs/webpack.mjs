// webpack by its own API. The iroh binding is a native addon and stays outside of the bundle.
import webpack from "webpack"

webpack(
  {
    mode: "production",
    target: "node",
    entry: "./meet.mjs",
    experiments: { outputModule: true },
    externals: { "@number0/iroh": "module @number0/iroh" },
    output: { path: new URL("./bundle-webpack", import.meta.url).pathname, filename: "main.mjs", module: true },
  },
  (error, stats) => {
    if (error ?? stats.hasErrors()) {
      console.error(error ?? stats.toString({ all: false, errors: true }))
      process.exitCode = 1
    }
  },
)
