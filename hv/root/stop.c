// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stopping the other CPUs, from root mode, while ARMED or the page hash changes.
 *
 * The stopper takes one lock, asks every other CPU to park and sends it an NMI. A
 * CPU in the guest exits on it, drops its step and parks before its next entry; a
 * CPU that spins in root polls. Each flushes its EPT translations before it goes
 * on, so a page is armed for the whole machine when the stop ends.
 *
 * The NMIs are ours and never reach the guest: nmi_expected is 1 while one is on
 * its way, and whoever sees an NMI with it set swallows it. (Should a real one merge
 * with ours in the local APIC before either is taken, the CPU delivers just one.)
 */
#include <linux/atomic.h>
#include "root_fn.h"

void hvt_nmi_arrived(struct hvt_vcpu *v)
{
	if (!xchg(&v->nmi_expected, 0))
		v->nmi_pending = true;
}

/* Park if asked to. True: tables may have changed, look everything up again. */
bool hvt_park(struct hvt_vcpu *v)
{
	if (!READ_ONCE(v->park))
		return false;
	smp_store_release(&v->parked, 1);
	while (smp_load_acquire(&v->park))
		hvt_pause();
	hvt_ept_flush();
	hvt_lazy_reset(v);
	smp_store_release(&v->parked, 0);
	return true;
}

/*
 * Returns true with all other CPUs stopped. False: this CPU was itself stopped
 * while it waited, and whatever it had looked up is void.
 */
bool hvt_stop_others(struct hvt_vcpu *v)
{
	struct hvt_vcpu *o;
	bool parked = false;
	u32 i;

	while (cmpxchg(&hvt_m.stop_lock, 0, v->cpu + 1)) {
		parked |= hvt_park(v);
		hvt_pause();
	}
	if (parked) {
		smp_store_release(&hvt_m.stop_lock, 0);
		return false;
	}
	v->rendezvous++;
	for (i = 0; i < hvt_m.ncpu; i++) {
		o = hvt_m.vcpu[i];
		if (!o || o == v || !READ_ONCE(o->active))
			continue;
		xchg(&o->park, 1);
		if (!xchg(&o->nmi_expected, 1))
			hvt_apic_send_nmi(o->apic_id);
	}
	for (i = 0; i < hvt_m.ncpu; i++) {
		o = hvt_m.vcpu[i];
		while (o && o != v && READ_ONCE(o->park) && !smp_load_acquire(&o->parked) &&
		       READ_ONCE(o->active))
			hvt_pause();
	}
	return true;
}

void hvt_start_others(struct hvt_vcpu *v)
{
	struct hvt_vcpu *o;
	u32 i;

	hvt_ept_flush();
	hvt_lazy_reset(v);
	for (i = 0; i < hvt_m.ncpu; i++) {
		o = hvt_m.vcpu[i];
		if (o && o != v && READ_ONCE(o->park))
			smp_store_release(&o->park, 0);
	}
	for (i = 0; i < hvt_m.ncpu; i++) {
		o = hvt_m.vcpu[i];
		while (o && o != v && smp_load_acquire(&o->parked))
			hvt_pause();
	}
	smp_store_release(&hvt_m.stop_lock, 0);
}
