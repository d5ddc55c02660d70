{{ result_table('synergy_effects') }}
