{{ compared_result('baseline_effects') }}
