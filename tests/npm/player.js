// SPDX-License-Identifier: Apache-2.0
// A player of the 2048 example: a real Chromium without a window, and a hand on its keyboard. Reads
// commands from stdin and answers each by one line; a failure is its last line, and exit status 1.
//
//   open URL       load the page                   answers "open"
//   look           at the board and the score      "score 96 board 2 4 0 0 0 8 ..." (0: empty)
//   press N        N moves                         what look answers
//   end            play until no move is left      "end MOVES moves, SCORE points, MESSAGE"
//   new            press the button "New game"     what look answers
//   reload         the page, as F5 does            what look answers
//   picture FILE   a screenshot                    "picture FILE"
//
// The browser sees the network of this process: `nsenter --net` puts it into a pod.
const readline = require('readline')
const { chromium } = require('playwright-core')

const program = process.env.CHROMIUM || '/usr/bin/chromium'
const patience = 30000 // ms, for the page and whatever is looked for on it
const flags = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-proxy-server']
// A hand that likes the lower left corner, so that games last a while.
const hands = [['ArrowDown', 'ArrowLeft', 'ArrowRight', 'ArrowUp'], ['ArrowLeft', 'ArrowDown', 'ArrowRight', 'ArrowUp']]

// What a reader of the page is told, not what its scripts would say of themselves.
async function board (page) {
  const text = await page.textContent('#board-text')
  const cells = text.replace(/Row \d:/g, '').match(/\d+|empty/g)

  if (!cells || cells.length !== 16) {
    throw new Error(`there is no board on the page; it says: ${(await page.textContent('#status')).trim()}`)
  }
  return cells.map((cell) => cell === 'empty' ? 0 : Number(cell))
}

async function look (page) {
  const cells = await board(page)

  return `score ${await page.textContent('#score')} board ${cells.join(' ')}`
}

// Our own opinion: the board is full, and no two equal tiles touch.
function stuck (cells) {
  const same = (a, b) => cells[a] === cells[b]

  return cells.every((cell, i) => cell !== 0 && !(i % 4 < 3 && same(i, i + 1)) && !(i < 12 && same(i, i + 4)))
}

// Presses keys until one moves the tiles; whether one did.
async function move (page, turn) {
  const before = (await board(page)).join()

  for (const key of hands[turn % 2]) {
    await page.keyboard.press(key)
    if ((await board(page)).join() !== before) return true
  }
  return false
}

async function press (page, count) {
  for (let turn = 0; turn < count; turn++) {
    if (!await move(page, turn)) throw new Error(`the game ended after ${turn} moves of ${count}`)
  }
  return look(page)
}

async function end (page) {
  let moves = 0

  while (await move(page, moves)) moves++
  if (!stuck(await board(page))) throw new Error(`no key does anything, but there are moves left: ${await look(page)}`)
  const message = page.locator('#message p')
  await message.waitFor({ state: 'visible' })
  return `end ${moves} moves, ${await page.textContent('#score')} points, ${await message.textContent()}`
}

const commands = {
  open: async (page, url) => { await page.goto(url); return 'open' },
  look,
  press: (page, count) => press(page, Number(count)),
  end,
  new: async (page) => { await page.click('#restart'); return look(page) },
  reload: async (page) => { await page.reload(); return look(page) },
  picture: async (page, path) => { await page.screenshot({ path, animations: 'disabled' }); return `picture ${path}` }
}

async function obey (page, line) {
  const [name, ...rest] = line.trim().split(' ')

  if (!Object.hasOwn(commands, name)) throw new Error(`unknown command: ${line}`)
  return commands[name](page, rest.join(' '))
}

async function main () {
  const browser = await chromium.launch({ executablePath: program, args: flags, timeout: patience })

  try {
    const page = await browser.newPage({ viewport: { width: 440, height: 600 } })
    page.setDefaultTimeout(patience)
    for await (const line of readline.createInterface({ input: process.stdin })) {
      console.log(await obey(page, line))
    }
  } finally {
    await browser.close()
  }
}

main().catch((error) => {
  console.log(`failed: ${error.message.split('\n')[0]}`)
  process.exit(1)
})
