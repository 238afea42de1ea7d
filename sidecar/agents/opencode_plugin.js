// Tells llm-groupchat's sidecar of each turn of this OpenCode, and lets it answer questions of permission.
// The sidecar writes a copy for each run, with the values of RUN, and names it in OPENCODE_CONFIG_CONTENT.
// What is told goes to the sidecar's hook address and into a file, which is still there if the sidecar was killed.
import { appendFileSync, renameSync, statSync } from "node:fs"
import { connect } from "node:net"

const RUN = {}
const PATIENCE_MS = 15000 // then OpenCode continues without an answer; loading its providers alone may take it seconds
const MAX_FILE_BYTES = 8 << 20
const LONG_WAIT_MS = 60000 // OpenCode waits as long as the vendor says; less is over before anybody reads of it
const MAX_PATCH_CHARS = 1 << 20

export const LlmGroupchat = async ({ client, directory = "" }) => {
  const ofSubagent = new Map() // session -> whether an agent began it
  const prompts = new Set() // ids of prompts that a person or the sidecar submitted
  const turns = new Map() // session -> { turn, text, over }
  const texts = new Map() // message -> (part -> text)
  const questions = new Map() // permission request -> what ends the wait for its answer
  let last = Promise.resolve()

  try {
    if (statSync(RUN.file).size > MAX_FILE_BYTES) renameSync(RUN.file, `${RUN.file}.old`)
  } catch {}

  const write = (event) => {
    try {
      appendFileSync(RUN.file, JSON.stringify({ ...event, id: crypto.randomUUID() }) + "\n", { mode: 0o600 })
    } catch {}
  }

  // By a socket of our own: the address has a secret, and `fetch` might send it to a proxy.
  const ask = (event, signal) =>
    new Promise((resolve) => {
      const { hostname, port, pathname } = new URL(RUN.hooks)
      const body = Buffer.from(JSON.stringify(event))
      const socket = connect(Number(port), hostname)
      let answer = ""
      socket.setEncoding("utf8")
      socket.on("connect", () => {
        socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
      })
      socket.on("data", (piece) => (answer += piece))
      socket.on("error", () => {})
      socket.on("close", () => {
        try {
          resolve(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)))
        } catch {
          resolve({})
        }
      })
      signal?.addEventListener("abort", () => socket.destroy())
    })

  const tell = (kind, session, more = {}) => {
    const event = { hook_event_name: kind, session_id: session, ...more }
    if (kind !== "idle") write(event)
    return ask(event, AbortSignal.timeout(PATIENCE_MS))
  }

  // One after the other, so that the sidecar hears everything in the order in which it happened.
  const inOrder = (work) => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }

  const isSubagent = async (session) => {
    if (!ofSubagent.has(session)) {
      const found = await client.session.get({ path: { id: session } }).catch(() => ({}))
      ofSubagent.set(session, Boolean(found.data?.parentID))
    }
    return ofSubagent.get(session)
  }

  const textOf = (message) => [...(texts.get(message)?.values() ?? [])].join("\n\n")

  const onPrompt = async (session, message, parts) => {
    if (await isSubagent(session)) return {}
    const text = parts.flatMap((part) => (part.type === "text" && !part.synthetic ? [part.text] : [])).join("\n")
    const answer = await ask(
      { hook_event_name: "prompt", session_id: session, turn: message, text },
      AbortSignal.timeout(PATIENCE_MS),
    )
    if (answer.refuse) return answer
    write({ hook_event_name: "prompt", session_id: session, turn: message, text })
    prompts.add(message)
    const running = turns.get(session)
    if (!running || running.over) turns.set(session, { turn: message, text: "", over: false })
    return {}
  }

  const onPart = async (part) => {
    if (part.type === "text" && !part.synthetic && !part.ignored) {
      const parts = texts.get(part.messageID) ?? new Map()
      texts.set(part.messageID, parts.set(part.id, part.text))
    }
    if (part.type === "step-finish") {
      const { input = 0, output = 0, reasoning = 0, cache = {} } = part.tokens ?? {}
      write({ hook_event_name: "tokens", call: part.id, tokens: input + output + reasoning + (cache.write ?? 0) })
    }
    const running = turns.get(part.sessionID)
    if (part.type === "step-start" && running && !running.over) await tell("model", part.sessionID, { turn: running.turn })
  }

  const end = async (session, kind, text = "") => {
    const running = turns.get(session)
    if (!running || running.over) return
    running.over = true
    texts.clear()
    await tell(kind, session, { turn: running.turn, text })
  }

  const onAnswer = async (info) => {
    const running = turns.get(info.sessionID)
    if (!running || info.role !== "assistant" || info.summary) return
    if (prompts.has(info.parentID) && running.turn !== info.parentID) {
      // a prompt that waited inside is now read; what the model says from here on answers it, too
      turns.set(info.sessionID, { turn: info.parentID, text: "", over: false })
      return onAnswer(info)
    }
    if (!info.time?.completed || info.error || running.over) return
    running.text = textOf(info.id) || running.text
    if (info.finish && !["tool-calls", "unknown"].includes(info.finish)) await end(info.sessionID, "answer", running.text)
  }

  const onIdle = async (session) => {
    await end(session, "interrupted") // by a denied permission: there was neither an answer nor an error
    await tell("idle", session)
  }

  const onRetry = async (session, { message, next }) => {
    const late = next - Date.now() >= LONG_WAIT_MS
    const again = late ? `it tries again at ${new Date(next).toISOString().slice(0, 19)}Z: ` : ""
    await tell("refused", session, { text: `${again}${message}` })
  }

  const onQuestion = async (asked) => {
    if (RUN.allowed.some((prefix) => asked.permission.startsWith(prefix))) return reply(asked, { reply: "once" })
    const mine = asked.permission === "external_directory" && asked.patterns.length > 0
    if (mine && asked.patterns.every((path) => path.startsWith(`${RUN.attached}/`) && !path.includes("..")))
      return reply(asked, { reply: "once" })
    const wait = new AbortController()
    questions.set(asked.id, wait)
    const { permission, patterns, metadata, sessionID } = asked
    const event = { hook_event_name: "question", session_id: sessionID, tool: permission, patterns, input: metadata ?? {} }
    const answer = await ask({ ...event, turn: turns.get(sessionID)?.turn ?? "" }, wait.signal)
    if (questions.delete(asked.id) && answer.reply) await reply(asked, answer)
  }

  const reply = async ({ id, sessionID }, { reply: response, message }) => {
    const headers = { "content-type": "application/json" }
    const body = { reply: response, message }
    const done = await client._client?.post({ url: `/permission/${id}/reply`, body, headers }).catch(() => ({}))
    if (done?.response?.ok) return
    const path = { id: sessionID, permissionID: id }
    await client.postSessionIdPermissionsPermissionId({ path, body: { response } }).catch(() => {})
  }

  const onTool = (kind, tool, args) => {
    const { filePath = "", patchText = "" } = args ?? {}
    const input = { filePath: String(filePath), patchText: String(patchText).slice(0, MAX_PATCH_CHARS) }
    ask({ hook_event_name: kind, tool_name: tool, tool_input: input, cwd: directory }, AbortSignal.timeout(PATIENCE_MS))
  }

  const onEvent = async ({ type, properties }) => {
    switch (type) {
      case "session.created":
      case "session.updated":
        return void ofSubagent.set(properties.info.id, Boolean(properties.info.parentID))
      case "message.part.updated":
        return onPart(properties.part)
      case "message.updated":
        return onAnswer(properties.info)
      case "session.error": {
        const { name = "", data = {} } = properties.error ?? {}
        if (name === "MessageAbortedError") return end(properties.sessionID, "interrupted")
        return end(properties.sessionID, "failed", String(data.message ?? name))
      }
      case "session.status":
        return properties.status.type === "retry" ? onRetry(properties.sessionID, properties.status) : undefined
      case "session.idle":
        return (await isSubagent(properties.sessionID)) ? undefined : onIdle(properties.sessionID)
      case "permission.asked":
        return void onQuestion(properties).catch(() => {})
      case "permission.replied": {
        const wait = questions.get(properties.requestID)
        questions.delete(properties.requestID)
        return wait?.abort()
      }
    }
  }

  return {
    event: ({ event }) => inOrder(() => onEvent(event)).catch(() => {}),
    "chat.message": async ({ sessionID }, { message, parts }) => {
      const answer = await inOrder(() => onPrompt(sessionID, message.id, parts)).catch(() => ({}))
      if (answer.refuse) throw new Error(answer.refuse)
    },
    // Told by the way: a call of a tool waits for nobody.
    "tool.execute.before": async ({ tool }, output) => onTool("tool", tool, output?.args),
    "tool.execute.after": async ({ tool, args }) => onTool("tool.ended", tool, args),
    // An OpenCode that the model runs in its shell is not the one in our terminal.
    "shell.env": async (_, output) => {
      output.env.OPENCODE_CONFIG_CONTENT = RUN.config
    },
  }
}
