// SPDX-License-Identifier: Apache-2.0
// A server of Minecraft's Java edition, or a player on one, by the packages minecraft-protocol and
// minecraft-data.
//
//   node minecraft.js server [HOW]    says its port; HOW is a way to answer the status ping below
//   node minecraft.js player PORT NAME
const minecraft = require('minecraft-protocol')

const version = '1.20.4'
const ways = {
  plainly: (status) => status,
  hidden: (status) => ({ ...status, players: undefined }),
  starting: (status) => ({ ...status, players: { ...status.players, max: 0 } }),
  // Each name is 16 letters, as many as there may be.
  crowded: (status) => ({
    ...status,
    players: {
      max: 5000,
      online: 2000,
      sample: Array.from({ length: 2000 }, (_, i) => ({ name: `player_${i + 100000000}`, id: `${i}` }))
    }
  }),
  endless: (status) => ({ ...status, description: 'x'.repeat(300000) })
}

function serve (how) {
  const server = minecraft.createServer({
    'online-mode': false, host: '127.0.0.1', port: 0, version, maxPlayers: 20, beforePing: ways[how]
  })

  server.on('listening', () => console.log(`port ${server.socketServer.address().port}`))
  server.on('login', (client) => console.log(`login ${client.username}`))
}

function play (port, username) {
  const client = minecraft.createClient({ host: '127.0.0.1', port, username, auth: 'offline', version })

  client.on('error', (error) => console.log(`error ${error}`))
}

const [, , role, ...words] = process.argv
if (role === 'server') serve(words[0] ?? 'plainly')
else play(Number(words[0]), words[1])
