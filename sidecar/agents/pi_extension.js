// Tells llm-groupchat's sidecar of each turn of this Pi, and gives its model the room's tools.
// The sidecar writes a copy for each run and names it with --extension. Addresses and keys are in the file RUN_FILE, because
// Pi may keep a compiled copy of this one. What is told goes to the sidecar's hook address and into a file, which is still
// there if the sidecar was killed.
import { randomUUID } from "node:crypto"
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs"
import { connect } from "node:net"

const RUN_FILE = ""
const PATIENCE_MS = 15000 // then Pi continues without an answer
const MAX_FILE_BYTES = 8 << 20
const NUMBERED = /^\[[^\n]* #\d+\]/ // how a message of the room begins

export default function (pi) {
  const run = JSON.parse(readFileSync(RUN_FILE, "utf8"))
  const waiting = [] // prompts that were submitted while it worked, until its model reads them
  const calls = new Map() // tool call -> what it was called with
  let turn // { id, text, read }
  let failure = "" // why its last request failed
  let last = Promise.resolve()

  try {
    if (statSync(run.file).size > MAX_FILE_BYTES) renameSync(run.file, `${run.file}.old`)
  } catch {}

  if (run.tools) pi.registerMcpServer(run.tools.name, run.tools.server)

  const write = (event) => {
    try {
      appendFileSync(run.file, JSON.stringify({ ...event, id: randomUUID() }) + "\n", { mode: 0o600 })
    } catch {}
  }

  // By a socket of our own: the address has a secret, and `fetch` might send it to a proxy.
  const ask = (event) =>
    new Promise((resolve) => {
      const { hostname, port, pathname } = new URL(run.hooks)
      const body = Buffer.from(JSON.stringify(event))
      const socket = connect(Number(port), hostname)
      let answer = ""
      socket.setEncoding("utf8")
      socket.setTimeout(PATIENCE_MS, () => socket.destroy())
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
    })

  // One after the other, so that the sidecar hears everything in the order in which it happened.
  const inOrder = (event) => {
    const done = last.then(() => ask(event))
    last = done.catch(() => {})
    return done
  }

  // Pi waits for its handlers, so nothing is waited for here.
  const tell = (kind, ctx, more = {}) => {
    const event = { hook_event_name: kind, session_id: ctx.sessionManager.getSessionId(), ...more }
    if (kind !== "idle") write(event)
    void inOrder(event)
  }

  const end = (ctx, kind, text = "") => {
    if (turn) tell(kind, ctx, { turn: turn.id, text })
    turn = undefined
  }

  const textOf = ({ content }) =>
    typeof content === "string"
      ? content
      : content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")

  // A prompt that waited inside is now read; what the model says from here on answers it, too.
  const onRead = (text) => {
    if (turn && !turn.read) {
      turn.read = true
      return
    }
    const at = Math.max(0, waiting.findIndex((one) => one.text === text))
    const [prompt] = waiting.splice(at, 1)
    if (prompt) turn = { id: prompt.id, text: "", read: true }
  }

  // When a turn is interrupted, Pi puts what waited back into its composer. A person goes on with it there; a message of the
  // room is the next prompt.
  const submitAgain = (ctx, prompts) => {
    const before = ctx.ui.getEditorText()
    ctx.ui.setEditorText(prompts.reduce((text, prompt) => text.replace(prompt.text, () => ""), before).trim())
    turn = { id: prompts[0].id, text: "", read: false }
    waiting.push(...prompts.slice(1))
    for (const { text } of prompts) pi.sendUserMessage(text, { deliverAs: "followUp" })
  }

  pi.on("session_start", (event, ctx) => tell("session", ctx))

  pi.on("input", async (event, ctx) => {
    if (event.source !== "interactive") return
    const prompt = { id: randomUUID(), text: event.text }
    const told = { hook_event_name: "prompt", session_id: ctx.sessionManager.getSessionId(), turn: prompt.id, text: event.text }
    const answer = await inOrder(told)
    if (answer.refuse) {
      ctx.ui.notify(answer.refuse, "warning")
      return { action: "handled" }
    }
    write(told)
    if (event.streamingBehavior) waiting.push(prompt)
    else turn = { ...prompt, text: "", read: false }
  })

  pi.on("agent_start", (event, ctx) => {
    if (failure) tell("refused", ctx, { text: failure })
    failure = ""
  })

  pi.on("message_start", ({ message }, ctx) => {
    if (message.role === "user") onRead(textOf(message))
    if (message.role === "assistant" && message.stopReason !== "error" && turn) tell("model", ctx, { turn: turn.id })
  })

  pi.on("message_end", ({ message }) => {
    if (message.role !== "assistant") return
    const { input = 0, output = 0, cacheWrite = 0 } = message.usage ?? {}
    if (input + output + cacheWrite) write({ hook_event_name: "tokens", call: randomUUID(), tokens: input + output + cacheWrite })
    failure = message.stopReason === "error" ? message.errorMessage || "its request failed" : ""
    if (turn && message.stopReason !== "error") turn.text = textOf(message) || turn.text
  })

  pi.on("agent_settled", (event, ctx) => {
    if (event.aborted) end(ctx, "interrupted")
    else if (failure) end(ctx, "failed", failure)
    else end(ctx, turn?.text ? "answer" : "interrupted", turn?.text)
    failure = ""
    const left = waiting.splice(0).filter(({ text }) => NUMBERED.test(text))
    if (event.aborted && left.length) submitAgain(ctx, left)
    else tell("idle", ctx)
  })

  pi.on("tool_execution_start", ({ toolCallId, toolName, args }, ctx) => {
    const tool = { tool_name: toolName, tool_input: { path: String(args?.path ?? "") }, cwd: ctx.cwd }
    calls.set(toolCallId, tool)
    void ask({ hook_event_name: "tool", ...tool })
  })

  pi.on("tool_execution_end", ({ toolCallId, isError }) => {
    const tool = calls.get(toolCallId)
    calls.delete(toolCallId)
    if (tool && !isError) void ask({ hook_event_name: "tool.ended", ...tool })
  })

  // Another extension asks its user.
  pi.on("ui_prompt_start", (event, ctx) => tell("question", ctx, { text: event.title ?? "" }))

  pi.on("session_shutdown", (event, ctx) => end(ctx, "interrupted"))
}
