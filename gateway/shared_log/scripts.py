"""The scripts that run inside Redis. Each checks everything before it writes anything, because Redis does not take back
what a script has written when a later command of it fails.

The head is a hash: `schema` (the format of the entries), `house` (the id of this log), `term` (grows with each gateway
that begins to decide), `seq` and `chain` (the last entry), `secret` (by which gateways of this log know each other).
"""

from __future__ import annotations

OK, HELD, TORN, SCHEMA_UNKNOWN, FENCED, MOVED = b"ok", b"held", b"torn", b"schema", b"fenced", b"moved"

# KEYS: head, lease, stream. ARGV: gateway, process, milliseconds, schema, id of a new log, hash before its first entry,
# secret of a new log, whether to take over from a holder.
# Begins a term. It refuses an unknown format first, so that an older program cannot take over a newer log. A gateway
# takes over from an earlier process of its own at once, and from any if it knows that the log has lost its end.
CLAIM = """
local known = redis.call('HGET', KEYS[1], 'schema')
if known and known ~= ARGV[4] then return {'schema', known} end
if not known and redis.call('EXISTS', KEYS[3]) == 1 then return {'torn'} end
local holder = redis.call('GET', KEYS[2])
if holder and ARGV[8] == '0' and string.match(holder, '^%S+') ~= ARGV[1] then return {'held', holder} end
if not known then
    redis.call('HSET', KEYS[1], 'schema', ARGV[4], 'house', ARGV[5], 'term', '0', 'seq', '0', 'chain', ARGV[6])
end
redis.call('HSETNX', KEYS[1], 'secret', ARGV[7])
local term = redis.call('HINCRBY', KEYS[1], 'term', 1)
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. term, 'PX', ARGV[3])
return {'ok', tostring(term)}
"""

# KEYS: head, lease. ARGV: gateway and process, term, milliseconds.
# A lease that ran out while Redis was away goes on if nobody has begun another term. One that has not is prolonged by a
# command that Redis takes also when its memory is full.
RENEW = """
local mine = ARGV[1] .. ' ' .. ARGV[2]
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= mine then return {'held', holder} end
if redis.call('HGET', KEYS[1], 'term') ~= ARGV[2] then return {'fenced'} end
if holder then redis.call('PEXPIRE', KEYS[2], ARGV[3]) else redis.call('SET', KEYS[2], mine, 'PX', ARGV[3]) end
return {'ok'}
"""

# KEYS: head, lease. ARGV: term, milliseconds.
# A write that changes nothing but the end of a lease that was just renewed. WAIT and WAITAOF ask about the last write
# of a connection: whoever has this one has the whole log. Redis takes it also when its memory is full.
MARK = """
if redis.call('HGET', KEYS[1], 'term') ~= ARGV[1] then return {'fenced'} end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {'ok'}
"""

# KEYS: lease. ARGV: gateway and process, term.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] .. ' ' .. ARGV[2] then redis.call('DEL', KEYS[1]) end
return {'ok'}
"""

# KEYS: head, stream. ARGV: house, term, expected seq, expected hash, then for each entry its seq, hash and body.
# The only writer of the stream. It writes if the log ends exactly where its writer believes, and else says where.
APPEND = """
local head = redis.call('HMGET', KEYS[1], 'house', 'term', 'seq', 'chain')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return {'fenced'} end
if head[3] ~= ARGV[3] or head[4] ~= ARGV[4] then return {'moved', head[3], head[4]} end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '0-0') ~= ARGV[3] .. '-0' then return {'torn'} end
local before = tonumber(ARGV[3])
for i = 5, #ARGV, 3 do
    if tonumber(ARGV[i]) <= before then return {'torn'} end
    before = tonumber(ARGV[i])
end
for i = 5, #ARGV, 3 do
    redis.call('XADD', KEYS[2], ARGV[i] .. '-0', 'c', ARGV[i + 1], 'e', ARGV[i + 2])
end
redis.call('HSET', KEYS[1], 'seq', ARGV[#ARGV - 2], 'chain', ARGV[#ARGV - 1])
return {'ok'}
"""

# KEYS: head. ARGV: house, term, id of the log from now on.
RENAME_HOUSE = """
local head = redis.call('HMGET', KEYS[1], 'house', 'term')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return {'fenced'} end
redis.call('HSET', KEYS[1], 'house', ARGV[3])
return {'ok'}
"""
