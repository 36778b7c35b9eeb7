using System;
using System.Threading.Tasks;
using Terrasoft.Configuration;
using Terrasoft.Core.Tasks;
using Task = Terrasoft.Core.Tasks.Task;

namespace Usr.Aliased {
	public class Pinger : IBackgroundTask<string> {
		public void Run(string parameters) => Happened.Note("aliased", parameters);

		public static async Task<int> StartAsync() {
			await System.Threading.Tasks.Task.Yield();
			Task.StartNew<Pinger, string>("by an alias");
			return 1;
		}
	}
}
