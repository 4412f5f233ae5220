export const usage = `usage: lockstep up [--fresh]
       lockstep node --id NAME --listen HOST:PORT --join A,B,C [options]
       lockstep node --id NAME --listen HOST:PORT --seeds A,B [options]
       lockstep help

up runs three nodes of the lock service on this machine; node runs one.

  --service NAME         what it serves: lock, by default, or register, named integers to try the replication with
  --id NAME              the node's name in its cluster
  --listen HOST:PORT     where it listens, for clients and for other nodes
  --advertise HOST:PORT  where other nodes find it, if that is not --listen
  --join A,B,C           addresses of the initial voters, the same list on each of them: together they form the cluster
  --seeds A,B            addresses of nodes of a cluster to join
  --data FOLDER          where it keeps its data; .lockstep/NAME by default
  --slots N              groups of a cluster that is formed; 1 by default, and always 1 for locks; fixed for its life
  --election MIN-MAX     election time-out in milliseconds, the same on all nodes; 500-1000 by default
  --heartbeat MS         100 by default, the same on all nodes
  --secret TEXT          what nodes prove to each other; LOCKSTEP_SECRET in the environment keeps it out of the list of processes
  --log-level LEVEL      trace, debug, info, warn, error, fatal or silent; info by default

exit codes: 0 stopped as told, 1 a mistake in this program, 2 wrong flags, 3 the store is damaged, 4 the store cannot be used
(another process has it, the disk fails or is full, it is another node's, or the node was removed), 5 the address cannot be listened on
`
