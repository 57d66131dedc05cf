/* SPDX-License-Identifier: GPL-2.0-only */
/* What apic.c needs of the local APIC: fake.c says it is in x2APIC mode. */
#ifndef HVT_SHIM_APIC_H
#define HVT_SHIM_APIC_H

#define MSR_IA32_APICBASE  0x1b
#define X2APIC_ENABLE	   (1ul << 10)
#define APIC_ISR	   0x100
#define APIC_BASE_MSR	   0x800
#define APIC_ICR	   0x300
#define APIC_ICR2	   0x310
#define APIC_ICR_BUSY	   0x1000
#define APIC_DM_NMI	   0x400
#define APIC_DEST_PHYSICAL 0
#define APIC_BASE	   ((unsigned long)fake_apic)

extern unsigned char fake_apic[4096];

#endif
