import { userFolder } from "@topic-tracker/common/userFolder"

console.log(userFolder("XDG_CONFIG_HOME", [".config"], { env: {}, home: "/home/ada" })) // → /home/ada/.config
console.log(userFolder("XDG_CONFIG_HOME", [".config"], { env: { XDG_CONFIG_HOME: "/etc/ada" }, home: undefined })) // → /etc/ada
console.log(userFolder("XDG_CONFIG_HOME", [".config"], { env: {}, home: "" })) // → undefined
