# SPDX-License-Identifier: GPL-3.0-or-later
"""What a render would cost on AWS, simulated: machines, quotas, Spot, a clock that does not wait, and AWS's bill.

    scenes.Scene ─┐
    fleet.Fleet ──┼─> simulation.simulate() ─> Run (machines, reports, frames) ─> invoice.invoice() ─> Invoice
    seed ─────────┘

An hour of 64 machines takes well under a second. It is what quotes and bills are measured against, so it shares facts
with them (contract.prices, contract.report), and nothing of their arithmetic.
"""
