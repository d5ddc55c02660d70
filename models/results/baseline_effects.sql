{{ result_table('baseline_effects') }}
