/* SPDX-License-Identifier: GPL-2.0-only */
/* See shim.h. Loads that spin let other threads run: there may be few CPUs. */
#ifndef HVT_SHIM_ATOMIC_H
#define HVT_SHIM_ATOMIC_H

#include <sched.h>

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define xadd(p, v)		__atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define xchg(p, v)		(sched_yield(), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define cmpxchg(p, old, new)                                                        \
	({                                                                          \
		__typeof__(*(p)) hvt_seen = (old);                                  \
                                                                                    \
		sched_yield();                                                      \
		__atomic_compare_exchange_n(p, &hvt_seen, new, 0, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                      \
		hvt_seen;                                                           \
	})
#define smp_load_acquire(p)	(sched_yield(), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#endif
